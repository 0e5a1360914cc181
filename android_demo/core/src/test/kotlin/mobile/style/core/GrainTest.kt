package mobile.style.core

import java.io.File
import java.nio.ByteBuffer
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** Pictures, and what grain.py makes of them, are written by tests/android_vectors.py. */
class GrainTest {
    private val folder = File(System.getProperty("vectors"))

    @Test
    fun addsWhatPythonAdds() {
        val cases = (Json.parse(File(folder, "grain.json").readText()) as List<*>).map { it as Map<*, *> }
        assertTrue("${cases.size} cases", cases.size >= 5)
        for (case in cases) {
            val (width, height) = listOf("width", "height").map { (case[it] as Double).toInt() }
            val bytes = File(folder, case["file"] as String).readBytes()
            val picture = bytes.copyOf(3 * width * height)
            val wanted = bytes.copyOfRange(picture.size, bytes.size)
            val grain = Grain(width, height)
            val input = ByteBuffer.allocateDirect(picture.size).put(picture)
            val output = ByteBuffer.allocateDirect(picture.size)
            repeat(2) { // a second frame must not see the first
                grain.add(input, output)
                assertArrayEquals(case.toString(), wanted, ByteArray(wanted.size).also { output.get(it); output.rewind() })
            }
            assertArrayEquals("not in place", picture, ByteArray(picture.size).also { input.rewind(); input.get(it) })
            assertArrayEquals(case.toString(), argb(wanted), grain.add(argb(picture)))
        }
    }

    private fun argb(rgb: ByteArray) = IntArray(rgb.size / 3) { pixel ->
        (0..2).fold(255) { sum, channel -> sum shl 8 or (rgb[3 * pixel + channel].toInt() and 255) }
    }
}
