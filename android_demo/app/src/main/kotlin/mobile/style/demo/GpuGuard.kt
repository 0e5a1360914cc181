package mobile.style.demo

import android.content.Context
import mobile.style.core.Backend
import mobile.style.core.Engine

/**
 * Opens engines, and leaves a GPU alone whose driver has ended the app: no exception tells of that, only a note that is
 * there as long as an engine of it is, and what the phone says of the app's end. Before Android 11 it says nothing, and
 * somebody may just have stopped the app: it takes two such ends in a row.
 */
class GpuGuard(context: Context, private val open: (Model, Backend) -> Engine) : (Model, Backend) -> Engine {
    private val notes = context.getSharedPreferences("gpu", Context.MODE_PRIVATE)

    init {
        if (ended == null) {
            val unfinished = notes.getBoolean(AT_WORK, false)
            val more = when (if (unfinished) Newer.crashed(context) else false) {
                true -> CERTAIN
                false -> 0
                null -> 1
            }
            val ends = notes.getInt(ENDS, 0) + more
            notes.edit().putBoolean(AT_WORK, false).putInt(ENDS, ends).commit()
            ended = ends >= CERTAIN
        }
    }

    override fun invoke(model: Model, backend: Backend): Engine {
        if (backend.kind != Backend.Kind.GPU) return open(model, backend)
        check(ended != true) { "it ended the app when it was last tried" }
        begin()
        val engine = try {
            open(model, backend)
        } catch (error: Throwable) {
            end()
            throw error
        }
        return object : Engine by engine {
            override fun close() = try {
                engine.close()
            } finally {
                end()
            }
        }
    }

    private fun begin() = synchronized(Companion) {
        if (atWork++ == 0) notes.edit().putBoolean(AT_WORK, true).commit() // on the disk before the driver has its turn
    }

    private fun end() = synchronized(Companion) {
        if (--atWork == 0) notes.edit().putBoolean(AT_WORK, false).putInt(ENDS, 0).apply()
    }

    companion object {
        const val AT_WORK = "at work"
        const val ENDS = "ends" // of the app while it was
        private const val CERTAIN = 2

        /** Whether it had, when the app was started; null before that is known. */
        @Volatile var ended: Boolean? = null

        private var atWork = 0 // engines that are open
    }
}
