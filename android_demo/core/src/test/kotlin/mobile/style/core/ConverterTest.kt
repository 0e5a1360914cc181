package mobile.style.core

import java.io.File
import java.nio.ByteBuffer
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

/** The frames and what a NumPy implementation makes of them are written by tests/android_vectors.py. */
class ConverterTest {
    private val folder = File(System.getProperty("vectors"))

    @Test
    fun convertsAsNumPyDoes() {
        val cases = Json.parse(File(folder, "cases.json").readText()) as List<*>
        assertTrue("${cases.size} cases", cases.size >= 100)
        for (case in cases.map { it as Map<*, *> }) {
            val bytes = File(folder, case["file"] as String).readBytes()
            var at = 0
            fun plane(name: String): Plane {
                val told = case[name] as Map<*, *>
                val length = told.int("bytes")
                // Camera buffers are direct ones, and end with the last pixel.
                val buffer = ByteBuffer.allocateDirect(length).put(bytes, at, length)
                at += length
                return Plane(buffer, told.int("row_stride"), told.int("pixel_stride"))
            }
            val frame = YuvFrame(case.int("width"), case.int("height"), plane("y"), plane("u"), plane("v"))
            val crop = (case["crop"] as List<*>).map { (it as Double).toInt() }
            val (width, height) = case.int("out_width") to case.int("out_height")
            val converter = Converter(
                Crop(crop[0], crop[1], crop[2], crop[3]), case.int("rotation"), case["mirror"] as Boolean, width, height,
            )
            val out = ByteBuffer.allocateDirect(3 * width * height)
            repeat(2) { converter.convert(frame, out) } // a second frame must not see the first
            val found = ByteArray(out.capacity()).also { out.rewind(); out.get(it) }
            assertArrayEquals(case.toString(), bytes.copyOfRange(at, bytes.size), found)
        }
    }

    @Test
    fun refusesWhatIsNoPicture() {
        assertThrows(IllegalArgumentException::class.java) { Converter(Crop(0, 0, 4, 4), 45, false, 2, 2) }
        assertThrows(IllegalArgumentException::class.java) { Converter(Crop(0, 0, 0, 4), 0, false, 2, 2) }
        val plane = Plane(ByteBuffer.allocate(16), 4, 1)
        val frame = YuvFrame(4, 4, plane, plane, plane)
        assertThrows(IllegalArgumentException::class.java) {
            Converter(Crop(1, 0, 4, 4), 0, false, 2, 2).convert(frame, ByteBuffer.allocate(12))
        }
    }

    @Test
    fun cropsTheMiddle() {
        assertEquals(Crop(80, 0, 480, 480), centerCrop(640, 480, 256, 256, 0))
        assertEquals(Crop(80, 0, 480, 480), centerCrop(640, 480, 256, 256, 90))
        assertEquals(Crop(0, 60, 640, 360), centerCrop(640, 480, 144, 256, 270)) // upright on a sensor that lies
        assertEquals(Crop(0, 0, 640, 480), centerCrop(640, 480, 640, 480, 180))
    }

    private fun Map<*, *>.int(key: String) = (this[key] as Double).toInt()
}
