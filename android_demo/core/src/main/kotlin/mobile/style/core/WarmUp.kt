package mobile.style.core

import java.nio.ByteBuffer

/** A model loaded on a backend. [delegated] of its [nodes] run there, the others on TensorFlow Lite's own kernels. */
interface Engine : Painter, AutoCloseable {
    val backend: Backend
    val nodes: Int
    val delegated: Int

    /** From now on paints with so much of each style of its file; the first alone, if it was never told. */
    fun mix(shares: FloatArray)

    override fun close()
}

/**
 * A picture, what the float network makes of it, by the [shares] of its styles if it has many, and how close the int8
 * model came to that where it was exported.
 */
class Golden(val photo: ByteArray, val reference: ByteArray, val expectedPsnr: Double, val shares: FloatArray? = null) {
    /** What a phone that computes rightly reaches at least; GPUs round differently, so a decibel is left to them. */
    val limit get() = expectedPsnr - 1
}

/** The decibels that an engine reaches on a golden picture. */
fun Golden.check(engine: Engine): Double {
    shares?.let(engine::mix)
    val input = ByteBuffer.allocateDirect(photo.size).put(photo)
    val output = ByteBuffer.allocateDirect(photo.size)
    input.rewind()
    engine.paint(input, output)
    val painted = ByteArray(photo.size)
    output.rewind()
    output.get(painted)
    return psnr(painted, reference)
}

/** Median milliseconds of some inferences, after a first that is not counted. */
fun warmUp(engine: Painter, bytes: Int, runs: Int = 5, clock: () -> Long = System::nanoTime): Double {
    val input = ByteBuffer.allocateDirect(bytes)
    val output = ByteBuffer.allocateDirect(bytes)
    engine.paint(input, output)
    val times = DoubleArray(runs) {
        val start = clock()
        engine.paint(input, output)
        (clock() - start) / 1e6
    }
    return quantile(times.also { it.sort() }, 0.5)
}

/**
 * Drives [chooser] until it has an engine, or has run out of backends, or is [stopped] (null).
 *
 * One that paints something else than the golden picture's limit allows counts as failed, however fast it is. A
 * backend that worked in the warm-up is opened again; if it does not, the next one has its turn. Once it is stopped,
 * nothing is noted any more: a trial that was cut short says nothing of the phone. Two threads take turns.
 */
fun choose(
    chooser: BackendChooser,
    bytes: Int,
    golden: Golden?,
    clock: () -> Long = System::nanoTime,
    stopped: () -> Boolean = { false },
    open: (Backend) -> Engine,
): Engine? = synchronized(chooser.turn) {
    while (!stopped()) {
        val state = chooser.state
        val backend = state.backend ?: return null
        val failure = try {
            if (state is BackendChooser.State.Using) return open(backend)
            open(backend).use { engine ->
                val decibels = golden?.check(engine)
                if (decibels != null && decibels < golden.limit) {
                    "%.1f dB instead of %.1f".format(decibels, golden.expectedPsnr)
                } else {
                    val milliseconds = warmUp(engine, bytes, clock = clock)
                    if (!stopped()) chooser.measured(milliseconds)
                    null
                }
            }
        } catch (error: Exception) {
            error.message ?: error.javaClass.simpleName
        } catch (error: LinkageError) { // a native library that this phone cannot load
            error.message ?: error.javaClass.simpleName
        }
        if (failure != null && !stopped()) chooser.failed(backend, failure)
    }
    return null
}
