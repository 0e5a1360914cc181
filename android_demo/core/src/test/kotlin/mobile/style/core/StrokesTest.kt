package mobile.style.core

import java.io.File
import kotlin.math.abs
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** Pictures, and what enlarge.py makes of them, are written by tests/android_vectors.py. */
class StrokesTest {
    private val folder = File(System.getProperty("vectors"))
    private val told = Json.parse(File(folder, "strokes.json").readText()) as Map<*, *>

    @Test
    fun enlargesAsPythonDoes() {
        val cases = (told["cases"] as List<*>).map { it as Map<*, *> }
        assertTrue("${cases.size} cases", cases.size >= 4)
        for (case in cases) {
            val (width, height, smallWidth, smallHeight) = (case["sizes"] as List<*>).map { (it as Double).toInt() }
            val bytes = File(folder, case["file"] as String).readBytes()
            var at = 0
            fun next(pixels: Int) = bytes.copyOfRange(at, at + 3 * pixels).also { at += it.size }
            val photo = argb(next(width * height))
            val small = next(smallWidth * smallHeight)
            val painted = argb(next(smallWidth * smallHeight))
            val enlarged = next(width * height)
            val strokes = Strokes(photo, width, height, smallWidth to smallHeight)
            assertLike("$case, reduced", small, strokes.small)
            assertLike("$case, enlarged", enlarged, strokes.enlarged(painted, 256))
            assertArrayEquals(photo, strokes.enlarged(painted, 0))
        }
    }

    @Test
    fun theSizeDecidesAsInPython() {
        val sizes = (told["sizes"] as List<*>).map { line -> (line as List<*>).map { (it as Double).toInt() } }
        assertTrue("${sizes.size} sizes", sizes.size >= 5)
        for ((width, height, wide, high) in sizes) {
            assertEquals(wide to high, paintedSize(width, height, strokeWidth(width, height)))
        }
    }

    @Test
    fun noTileIsLargerThanWhatIsPainted() {
        for ((width, height) in listOf(1280 to 960, 1280 to 720, 700 to 900, 257 to 256, 1280 to 301, 256 to 256)) {
            val broadest = broadestStrokes(width, height, 256 to 192)
            val (wide, high) = paintedSize(width, height, broadest)
            assertTrue("$width x $height: $wide x $high", wide >= 256 && high >= 192 && broadest in 1f..3f)
        }
        assertEquals(3f, broadestStrokes(1280, 960, 256 to 256), 0f)
    }

    /** A level apart at most, and that seldom: sums are rounded in another order. */
    private fun assertLike(what: String, wanted: ByteArray, pixels: IntArray) {
        val found = IntArray(wanted.size) { pixels[it / 3] shr (16 - 8 * (it % 3)) and 255 }
        val apart = IntArray(wanted.size) { abs(found[it] - (wanted[it].toInt() and 255)) }
        assertTrue("$what: ${apart.max()} apart", apart.max() <= 1)
        assertTrue("$what: ${apart.count { it > 0 }} of ${apart.size}", apart.count { it > 0 } < 0.02 * apart.size)
    }

    private fun argb(rgb: ByteArray) = IntArray(rgb.size / 3) { pixel ->
        (0..2).fold(255) { sum, channel -> sum shl 8 or (rgb[3 * pixel + channel].toInt() and 255) }
    }
}
