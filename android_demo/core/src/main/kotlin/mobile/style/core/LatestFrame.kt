package mobile.style.core

import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock

/**
 * Hands frames from the camera to the worker: at most one waits, and a newer one takes its place.
 *
 * A painting that takes longer than a frame so never works on an old picture, and nothing piles up.
 */
class LatestFrame<T : Any>(private val discard: (T) -> Unit) {
    private val lock = ReentrantLock()
    private val changed = lock.newCondition()
    private var waiting: T? = null
    private var closed = false

    /** Frames that were replaced before anyone took them. */
    var dropped = 0L
        private set

    fun offer(frame: T) {
        val old = lock.withLock {
            if (closed) return@withLock frame
            waiting.also {
                if (it != null) dropped++
                waiting = frame
                changed.signalAll()
            }
        }
        old?.let(discard)
    }

    /** The newest frame, waited for; null once closed. */
    fun take(): T? = lock.withLock {
        while (waiting == null && !closed) changed.await()
        waiting.also { waiting = null }
    }

    /** Ends the waiting; what still waits is discarded. */
    fun close() {
        val left = lock.withLock {
            closed = true
            changed.signalAll()
            waiting.also { waiting = null }
        }
        left?.let(discard)
    }
}
