package mobile.style.demo

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import mobile.style.core.Backend
import mobile.style.core.Json
import mobile.style.core.check
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/**
 * The models in the app's assets, run by the app's own engine on the TensorFlow Lite that the app has, built for this
 * machine. What Python's LiteRT paints with the exported files is in the vectors; tests/android_vectors.py wrote it.
 */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class EngineTest {
    private val vectors = File(System.getProperty("vectors"), "painted")
    private val told = Json.parse(File(vectors, "painted.json").readText()) as Map<*, *>
    private val models = Styles.discover(RuntimeEnvironment.getApplication().assets).usable.flatMap { it.models }.distinct()

    @Test
    fun int8PaintsTheGoldenPictureBitForBit() {
        val withPhoto = models.filter { it.golden() != null }
        assertEquals(told.keys, withPhoto.map { it.card.name }.toSet())
        for (model in withPhoto) {
            for (threads in listOf(1, 4)) {
                LiteEngine(model.open(XNNPACK), Backend(Backend.Kind.XNNPACK, threads)).use {
                    for ((index, golden) in model.goldens().withIndex()) { // of many styles, by one engine
                        assertEquals(model.title(golden.shares), golden.expectedPsnr, golden.check(it), 1e-9)
                        assertArrayEquals(model.title(golden.shares), painted(model, "int8", index), paint(model, it))
                    }
                }
            }
        }
    }

    @Test
    fun float16PaintsTheGoldenPictureBitForBit() {
        for (model in models.filter { it.golden() != null }) {
            LiteEngine(model.open(GPU), XNNPACK).use {
                assertEquals("float16", model.card(GPU).recipe)
                for ((index, golden) in model.goldens().withIndex()) {
                    assertTrue(model.title(golden.shares), golden.check(it) > golden.limit)
                    assertArrayEquals(model.title(golden.shares), painted(model, "float16", index), paint(model, it))
                }
            }
        }
    }

    @Test
    fun aChangedWeightChangesThePicture() {
        for (model in models.filter { it.golden() != null }) {
            val file = model.open(XNNPACK)
            val changed = ByteBuffer.allocateDirect(file.capacity()).order(ByteOrder.nativeOrder()).put(file)
            changed.rewind()
            val at = ((told[model.card.name] as Map<*, *>)["weight"] as Double).toInt()
            changed.put(at, (changed.get(at).toInt() xor 64).toByte())
            LiteEngine(changed, XNNPACK).use {
                assertFalse(model.card.name, painted(model, "int8").contentEquals(paint(model, it)))
            }
        }
    }

    @Test
    fun tellsWhatItsDelegateTook() {
        val model = models.first { it.golden() != null }
        LiteEngine(model.open(XNNPACK), Backend(Backend.Kind.PLAIN)).use {
            val nodes = ((told[model.card.name] as Map<*, *>)["nodes"] as Double).toInt()
            assertEquals(nodes to 0, it.nodes to it.delegated)
            assertTrue(model.golden()!!.check(it) > model.golden()!!.limit)
        }
        LiteEngine(model.open(XNNPACK), XNNPACK).use {
            assertTrue("${it.delegated} of ${it.nodes}", it.nodes - it.delegated in 0..2)
        }
    }

    @Test
    fun aFileOfManyPaintsItsFirstStyleUntilItIsToldAnother() {
        val (many, one) = models.filter { it.golden() != null }.sortedByDescending { it.card.styles.size }
        LiteEngine(many.open(XNNPACK), XNNPACK).use { assertArrayEquals(painted(many, "int8"), paint(many, it)) }
        LiteEngine(one.open(XNNPACK), XNNPACK).use {
            assertThrows(IllegalStateException::class.java) { it.mix(floatArrayOf(1f)) }
        }
    }

    @Test
    fun saysThatAFileIsNoModel() {
        val nothing = ByteBuffer.allocateDirect(1000)
        assertThrows(IllegalStateException::class.java) { LiteEngine(nothing, XNNPACK) }
    }

    @Test
    fun aModelWithoutFloat16IsNotForGpus() {
        val model = models.first { !it.forGpu }
        assertTrue("float16" in assertThrows(IllegalStateException::class.java) { model.open(GPU) }.message!!)
    }

    private fun painted(model: Model, recipe: String, golden: Int = 0) =
        File(vectors, "${model.card.name}-$golden-$recipe.bin").readBytes().also { assertEquals(model.bytes, it.size) }

    private fun paint(model: Model, engine: LiteEngine): ByteArray {
        val input = ByteBuffer.allocateDirect(model.bytes).put(model.golden()!!.photo)
        val output = ByteBuffer.allocateDirect(model.bytes)
        engine.paint(input, output)
        output.rewind()
        return ByteArray(model.bytes).also { output.get(it) }
    }

    private companion object {
        val XNNPACK = Backend(Backend.Kind.XNNPACK)
        val GPU = Backend(Backend.Kind.GPU)
    }
}
