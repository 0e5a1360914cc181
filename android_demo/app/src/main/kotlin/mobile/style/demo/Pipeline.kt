package mobile.style.demo

import android.graphics.Bitmap
import java.nio.ByteBuffer
import mobile.style.core.Backend
import mobile.style.core.BackendChooser
import mobile.style.core.Blender
import mobile.style.core.Choosers
import mobile.style.core.Converter
import mobile.style.core.Engine
import mobile.style.core.Grain
import mobile.style.core.LatestFrame
import mobile.style.core.Load
import mobile.style.core.LoadPolicy
import mobile.style.core.Stage
import mobile.style.core.StageTimes
import mobile.style.core.Trial
import mobile.style.core.centerCrop
import mobile.style.core.choose

/** How the camera's frames are turned before they are shown. */
data class Turn(val rotation: Int, val mirror: Boolean)

/** What the panel shows. */
class Diagnostics(
    val model: Model,
    val engine: Engine?,
    val reason: BackendChooser.Reason?,
    val trials: List<Trial>,
    val times: StageTimes,
    val dropped: Long,
    val load: Load,
)

/**
 * From frames to painted bitmaps, on one thread: convert, infer, draw.
 *
 * [heat] is asked about once a second. [onPicture] and [onFailure] come on that thread. Setters may be called from any.
 * It waits for [before], the thread of one that was closed: two engines may not find room.
 */
class Pipeline(
    private val choosers: Choosers,
    private val open: (Model, Backend) -> Engine,
    private val heat: () -> Int,
    private val onPicture: (Bitmap) -> Unit,
    private val onReady: () -> Unit,
    private val onCooler: () -> Unit,
    private val onFailure: (List<Trial>) -> Unit,
    private val before: Thread? = null,
) {
    private val queue = LatestFrame<Frame>(Frame::close)
    private val times = StageTimes()
    private var thread: Thread? = null

    @Volatile var look: Look? = null
    @Volatile var turn = Turn(0, false)
    @Volatile var strength = 256
    @Volatile var original = false
    @Volatile private var closing = false
    @Volatile private var working: Working? = null

    fun start() {
        thread = thread ?: Thread(::work, "pipeline").also { it.start() }
    }

    fun offer(frame: Frame) = queue.offer(frame)

    /** Has the thread end, and the engine closed, once the frame being painted is finished. Returns the thread. */
    fun close(): Thread? {
        closing = true
        queue.close()
        return thread.also { thread = null }
    }

    fun diagnostics(): Diagnostics? = working?.let {
        val chooser = it.model.chooser(choosers)
        val reason = (chooser.state as? BackendChooser.State.Using)?.reason
        Diagnostics(it.model, it.engine, reason, chooser.trials(), times, queue.dropped, it.policy.load)
    }

    private fun work() {
        before?.join()
        var seen = 0L
        try {
            while (true) {
                val frame = queue.take() ?: break
                val now = current()
                seen++
                if (now == null || now.policy.load.halfRate && seen % 2 == 0L) frame.close() else paint(frame, now)
            }
        } finally {
            working?.close()
            working = null
        }
    }

    /** The engine of the chosen style and size, opened if another one is. */
    private fun current(): Working? {
        val look = look ?: return null
        val models = look.style.models
        val old = working
        // A phone that is warm is so for the next style, too.
        val policy = old?.policy?.takeIf { old.look.style.models.size == models.size } ?: LoadPolicy(models.size)
        val model = models[policy.load.sizeIndex]
        if (old != null && old.model === model) return old.also { it.look = look }
        working?.close()
        working = null
        val chooser = model.chooser(choosers)
        val engine = choose(chooser, model.bytes, model.golden(look.style.index), stopped = { closing }) { open(model, it) }
        if (engine == null) {
            if (closing) return null
            this.look = null
            onFailure(chooser.trials())
            return null
        }
        times.clear()
        return Working(look, model, engine, policy).also { working = it; onReady() }
    }

    private fun paint(frame: Frame, now: Working) {
        times.add(Stage.CAMERA, frame.age)
        val start = System.nanoTime()
        try {
            if (!frame.read { now.converter(frame, turn).convert(it, now.input) }) return
        } finally {
            frame.close()
        }
        val shown = if (original) 0 else strength
        if (shown > 0) now.grain.add(now.input, now.seen)
        val converted = System.nanoTime()
        try {
            if (shown > 0) now.paint()
        } catch (error: RuntimeException) {
            now.model.chooser(choosers).failed(now.engine.backend, error.message ?: error.javaClass.simpleName)
            now.close()
            working = null // the next frame opens the next fastest
            return
        }
        val painted = System.nanoTime()
        if (closing) return // what is on the screen may be something else by now
        now.blender.blend(now.input, if (shown > 0) now.output else now.input, shown, now.pixels)
        val bitmap = now.nextBitmap()
        bitmap.setPixels(now.pixels, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
        onPicture(bitmap)
        val drawn = System.nanoTime()
        times.add(Stage.CONVERT, converted - start)
        if (shown > 0) times.add(Stage.INFER, painted - converted)
        times.add(Stage.DRAW, drawn - painted)
        times.drawn(drawn)
        observe(now, drawn)
    }

    private fun observe(now: Working, time: Long) {
        if (time - now.observed < 1_000_000_000) return
        now.observed = time
        val before = now.policy.load
        val after = now.policy.observe(times.workMedian() ?: return, heat())
        if (before != after) times.clear()
        if (after.sizeIndex > before.sizeIndex || after.halfRate && !before.halfRate) onCooler()
    }
}

/** Everything that painting the styles of one file at one size needs, allocated once. */
private class Working(var look: Look, val model: Model, val engine: Engine, val policy: LoadPolicy) {
    private val width = model.card.width
    private val height = model.card.height
    val input: ByteBuffer = ByteBuffer.allocateDirect(model.bytes)
    val seen: ByteBuffer = ByteBuffer.allocateDirect(model.bytes) // by the network
    val output: ByteBuffer = ByteBuffer.allocateDirect(model.bytes)
    val pixels = IntArray(width * height)
    val blender = Blender(pixels.size)
    val grain = Grain(width, height)
    var observed = System.nanoTime()

    // One is on the screen, one is on its way there, one is being filled.
    private val bitmaps = Array(3) { Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888) }
    private var next = 0
    private var mixed: FloatArray? = null // what the engine was told
    private var converter: Converter? = null
    private var madeFor: Turn? = null
    private var madeWidth = 0
    private var madeHeight = 0

    /** What is [seen], into [output]. */
    fun paint() {
        look.shares?.takeIf { it !== mixed }?.let { engine.mix(it) }
        mixed = look.shares
        engine.paint(seen, output)
    }

    fun nextBitmap(): Bitmap = bitmaps[next].also { next = (next + 1) % bitmaps.size }

    fun converter(frame: Frame, turn: Turn): Converter {
        converter?.let { if (madeFor == turn && madeWidth == frame.width && madeHeight == frame.height) return it }
        madeFor = turn
        madeWidth = frame.width
        madeHeight = frame.height
        val crop = centerCrop(frame.width, frame.height, width, height, turn.rotation)
        return Converter(crop, turn.rotation, turn.mirror, width, height).also { converter = it }
    }

    fun close() = engine.close()
}
