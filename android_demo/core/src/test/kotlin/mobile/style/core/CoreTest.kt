package mobile.style.core

import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class CoreTest {
    // The queue

    @Test
    fun keepsTheNewestFrameOnly() {
        val discarded = mutableListOf<Int>()
        val queue = LatestFrame<Int>(discarded::add)
        (1..3).forEach(queue::offer)
        assertEquals(3, queue.take())
        assertEquals(listOf(1, 2), discarded)
        assertEquals(2, queue.dropped)
        queue.offer(4)
        queue.close()
        assertNull(queue.take())
        queue.offer(5) // a camera that is still closing
        assertEquals(listOf(1, 2, 4, 5), discarded)
    }

    @Test
    fun wakesTheWorkerThatWaits() {
        val queue = LatestFrame<String> {}
        val started = CountDownLatch(1)
        val taken = mutableListOf<String?>()
        val worker = thread {
            started.countDown()
            taken += queue.take()
            taken += queue.take()
        }
        started.await()
        queue.offer("frame")
        while (taken.isEmpty() && worker.isAlive) Thread.yield()
        queue.close()
        worker.join(5000)
        assertFalse(worker.isAlive)
        assertEquals(listOf("frame", null), taken)
    }

    // Statistics: the quantiles are those of numpy.quantile

    @Test
    fun sumsUpTheLatestDurations() {
        val durations = Durations(4)
        assertNull(durations.summary())
        listOf(100.0, 4.0, 1.0, 3.0, 2.0).forEach(durations::add) // the first one is forgotten
        val summary = durations.summary()!!
        assertEquals(2.5, summary.median, 1e-12)
        assertEquals(3.7, summary.p90, 1e-12)
        assertEquals(4, summary.count)
    }

    @Test
    fun countsFramesAndAddsUpTheWork() {
        val times = StageTimes()
        assertNull(times.framesPerSecond())
        assertNull(times.workMedian())
        for (i in 0..4) times.drawn(1_000_000_000L + i * 40_000_000L)
        assertEquals(25.0, times.framesPerSecond()!!, 1e-9)
        times.add(Stage.CAMERA, 90_000_000)
        times.add(Stage.CONVERT, 2_000_000)
        times.add(Stage.INFER, 15_000_000)
        assertEquals(17.0, times.workMedian()!!, 1e-9)
    }

    @Test
    fun measuresDecibels() {
        val picture = ByteArray(300) { it.toByte() }
        assertEquals(Double.POSITIVE_INFINITY, psnr(picture, picture), 0.0)
        val off = picture.copyOf().also { it[0] = 255.toByte() }
        assertEquals(10 * Math.log10(300.0), psnr(picture, off), 1e-9) // one byte of 300 off by 255
    }

    // Which backend

    private class Fake(override val backend: Backend, val value: Int, val takes: (Backend) -> Unit) : Engine {
        override val nodes = 10
        override val delegated = 8
        var closed = false
        override fun mix(shares: FloatArray) = Unit
        override fun paint(input: ByteBuffer, output: ByteBuffer) {
            check(!closed)
            takes(backend)
            for (i in 0 until output.capacity()) output.put(i, value.toByte())
        }
        override fun close() { closed = true }
    }

    private val golden = Golden(ByteArray(12), ByteArray(12) { 100 }, 40.0)

    @Test
    fun takesTheFastestThatPaintsRightly() {
        var now = 0L
        val milliseconds = mapOf("GPU" to 1, "XNNPACK × 4" to 9, "XNNPACK × 2" to 7, "XNNPACK × 1" to 12)
        val opened = mutableListOf<Fake>()
        val chooser = BackendChooser(candidates(8))
        val engine = choose(chooser, 12, golden, { now }) { backend ->
            if (backend.kind == Backend.Kind.PLAIN) throw UnsatisfiedLinkError("no library")
            val value = if (backend.kind == Backend.Kind.GPU) 90 else 100
            Fake(backend, value) { now += milliseconds.getValue(it.toString()) * 1_000_000L }.also(opened::add)
        }
        assertEquals("XNNPACK × 2", engine!!.backend.toString())
        val reason = (chooser.state as BackendChooser.State.Using).reason
        assertEquals(7.0, reason.milliseconds, 1e-9)
        assertEquals("XNNPACK × 4", reason.runnerUp!!.backend.toString())
        // The GPU was fastest and painted something else; the plain one could not be loaded.
        assertEquals(listOf("28.1 dB instead of 40.0", "no library"), reason.failed.map { it.failure })
        assertEquals(1, opened.count { !it.closed })
    }

    @Test
    fun whatIsStoppedNotesNothing() {
        for (fails in listOf(false, true)) {
            var left = false
            val chooser = BackendChooser(candidates(8))
            val engine = choose(chooser, 12, golden, stopped = { left }) { backend ->
                left = true
                if (fails) error("the app was left")
                Fake(backend, 100) {}
            }
            assertNull(engine)
            assertEquals(BackendChooser.State.Measuring(Backend(Backend.Kind.GPU)), chooser.state)
            assertTrue(chooser.trials().isEmpty())
        }
    }

    @Test
    fun modelsThatNoGpuRunsHaveAChoiceOfTheirOwn() {
        val choosers = Choosers(candidates(4))
        fun chosen(gpu: Boolean) = choose(choosers.of(100, gpu), 100, null) { Fake(it, 0) {} }!!
        assertFalse(choosers.of(100, false).state.backend!!.kind == Backend.Kind.GPU)
        chosen(false)
        assertEquals(Backend(Backend.Kind.GPU), choosers.of(100, true).state.backend)
        assertTrue(choosers.of(100, false).trials().none { it.backend.kind == Backend.Kind.GPU })
        assertTrue(choosers.of(100, false, mixes = true).trials().isEmpty()) // whose graph is another
        assertTrue(choosers.of(50, false, mixes = true).state is BackendChooser.State.Measuring)
    }

    @Test
    fun aSmallerSizeTakesTheChoiceOver() {
        var now = 0L
        val choosers = Choosers(candidates(4))
        val opened = mutableListOf<Backend>()
        var broken: Backend.Kind? = null
        fun chosen(bytes: Int) = choose(choosers.of(bytes, true), bytes, null, { now }) { backend ->
            opened += backend
            if (backend.kind == broken) error("it broke")
            Fake(backend, 0) { now += if (backend.threads == 2) 5_000_000L else 9_000_000L }
        }!!.backend
        val best = Backend(Backend.Kind.XNNPACK, 2)
        assertNull(choosers.inUse())
        assertEquals(best, chosen(300))
        assertEquals(best, choosers.inUse())
        opened.clear()
        assertEquals(best, chosen(200))
        assertEquals(listOf(best, best), opened) // measured, and then used
        val reason = (choosers.of(200, true).state as BackendChooser.State.Using).reason
        assertTrue(reason.ofLarger && reason.runnerUp == null && reason.milliseconds == 5.0)
        broken = Backend.Kind.XNNPACK
        opened.clear()
        assertEquals(Backend.Kind.GPU, chosen(100).kind) // now all are measured
        assertEquals(listOf(best, Backend(Backend.Kind.GPU)), opened.take(2))
        assertFalse((choosers.of(100, true).state as BackendChooser.State.Using).reason.ofLarger)
    }

    @Test
    fun fallsBackUntilNothingIsLeft() {
        val chooser = BackendChooser(listOf(Backend(Backend.Kind.XNNPACK, 2), Backend(Backend.Kind.XNNPACK, 1)))
        chooser.measured(5.0)
        assertTrue(chooser.measured(8.0) is BackendChooser.State.Using)
        chooser.failed(Backend(Backend.Kind.XNNPACK, 1), "another engine of its kind, which is not in use")
        val second = chooser.failed(Backend(Backend.Kind.XNNPACK, 2), "it crashed") as BackendChooser.State.Using
        assertEquals(1, second.backend.threads)
        assertEquals("it crashed", second.reason.failed.single().failure)
        val end = chooser.failed(Backend(Backend.Kind.XNNPACK, 1), "so did this") as BackendChooser.State.Exhausted
        assertEquals(2, end.trials.size)
        assertNull(choose(chooser, 12, null) { error("nothing may be opened any more") })
    }

    // The load

    @Test
    fun lowersTheSizeBeforeTheRate() {
        val policy = LoadPolicy(sizes = 2)
        repeat(2) { assertEquals(Load(0, false), policy.observe(40.0, 0)) }
        assertEquals(Load(1, false), policy.observe(40.0, 0))
        repeat(2) { policy.observe(40.0, 0) }
        assertEquals(Load(1, true), policy.observe(40.0, 0))
        repeat(50) { assertEquals(Load(1, true), policy.observe(40.0, 0)) } // 40 ms fit into every second frame
    }

    @Test
    fun coolsDownBeforeItStuttersAndComesBackSlowly() {
        val policy = LoadPolicy(sizes = 2)
        repeat(3) { policy.observe(10.0, LoadPolicy.MODERATE) } // fast, but warm
        assertEquals(Load(1, false), policy.load)
        repeat(29) { assertEquals(Load(1, false), policy.observe(10.0, 0)) }
        assertEquals(Load(0, false), policy.observe(10.0, 0))
        policy.observe(40.0, 0)
        policy.observe(10.0, 0) // one slow second is forgiven
        repeat(2) { policy.observe(40.0, 0) }
        assertEquals(Load(0, false), policy.load)
    }

    // Pictures

    @Test
    fun blends() {
        val photo = ByteBuffer.wrap(byteArrayOf(0, 100, -1))
        val painting = ByteBuffer.wrap(byteArrayOf(-1, 100, 0))
        val pixels = IntArray(1)
        val blender = Blender(1)
        blender.blend(photo, painting, 0, pixels)
        assertEquals(0xFF0064FF.toInt(), pixels[0])
        blender.blend(photo, painting, 256, pixels)
        assertEquals(0xFFFF6400.toInt(), pixels[0])
        blender.blend(photo, painting, 128, pixels)
        assertEquals(0xFF806480.toInt(), pixels[0])
        val bytes = ByteBuffer.allocate(3)
        rgb(pixels, bytes)
        assertArrayEquals(byteArrayOf(-128, 100, -128), bytes.array())
    }

    @Test
    fun tilesCoverThePictureWithoutASeam() {
        for (length in listOf(8, 9, 14, 15, 31, 100)) {
            val starts = tileStarts(length, 8, 2)
            assertEquals(0, starts.first())
            assertEquals(length - 8, starts.last())
            assertTrue((1 until starts.size).all { starts[it] - starts[it - 1] in 1..6 })
        }
        val random = java.util.Random(1)
        val picture = IntArray(37 * 29) { random.nextInt() or (255 shl 24) }
        val same = paintTiled({ from, to -> from.rewind(); to.rewind(); to.put(from) }, picture, picture, 37, 29, 16, 12, 256)
        assertArrayEquals(picture, same)
        val invert = Painter { from, to ->
            for (i in 0 until from.capacity()) to.put(i, (255 - (from.get(i).toInt() and 255)).toByte())
        }
        val inverse = IntArray(picture.size) { picture[it] xor 0xFFFFFF }
        assertArrayEquals(inverse, paintTiled(invert, picture, picture, 37, 29, 16, 12, 256))
        // What is painted is what the network sees, what shines through is the picture itself.
        assertArrayEquals(picture, paintTiled(invert, picture, inverse, 37, 29, 16, 12, 256))
        assertArrayEquals(picture, paintTiled(invert, picture, IntArray(picture.size), 37, 29, 16, 12, 0))
    }

    // Cards

    @Test
    fun readsTheCardsThatMobileStyleWrites() {
        val cards = File(System.getProperty("vectors"), "cards").listFiles()!!.map { ModelCard.parse(it.readText(), "uint8") }
        assertTrue(cards.size >= 6)
        val card = cards.single { it.name == "starry_night" }
        assertEquals("Starry Night", card.title)
        assertEquals("Composition VII", cards.single { it.name == "composition_vii" }.title)
        assertEquals("My Mix", card.copy(name = "my_mix").title)
        assertEquals(listOf(256, 256), listOf(card.height, card.width))
        assertEquals(64, card.sha256.length)
        assertTrue(card.psnrMean!! > 38)
    }

    @Test
    fun saysWhyACardCannotBeUsed() {
        val text = File(System.getProperty("vectors"), "cards").listFiles()!!.first().readText()
        fun refused(card: String) =
            assertThrows(ModelCard.Companion.Unusable::class.java) { ModelCard.parse(card, "uint8") }.message!!
        assertTrue("int8" in refused(text.replace("uint8", "float32")))
        assertTrue("schema" in refused(text.replace("\"schema\": 1,", "\"schema\": 2,")))
        assertTrue("lacks" in refused(text.replace("\"sha256\"", "\"sha\"")))
        assertTrue("damaged" in refused(text.dropLast(20)))
        assertTrue("card" in refused("[]"))
    }

    @Test
    fun jsonComesBackAsItWas() {
        val value = linkedMapOf("a" to listOf(1.5, null, true, "q\"\\\n\u0001é"), "b" to mapOf("c" to -2e-3))
        assertEquals(value, Json.parse(Json.write(value)))
        assertEquals("null", Json.write(Double.NaN))
        for (bad in listOf("", "{", "[1,]", "{\"a\" 1}", "tru", "1 2", "\"\\x\"", "[".repeat(100))) {
            assertThrows(bad, Json.Malformed::class.java) { Json.parse(bad) }
        }
    }
}
