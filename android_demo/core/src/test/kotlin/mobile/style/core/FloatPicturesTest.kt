package mobile.style.core

import java.io.File
import java.nio.ByteBuffer
import java.nio.FloatBuffer
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Test

class FloatPicturesTest {
    @Test
    fun roundsAsPythonDoes() {
        val content = ByteBuffer.wrap(File(System.getProperty("vectors"), "floats.bin").readBytes())
        val count = content.capacity() / 5
        val floats = FloatArray(count).also { content.asFloatBuffer().get(it) }
        val painted = ByteBuffer.allocate(count)
        FloatPictures(count).write(FloatBuffer.wrap(floats), painted)
        assertArrayEquals(content.array().copyOfRange(4 * count, 5 * count), painted.array())
    }

    @Test
    fun readsBytesAsTheirValues() {
        val floats = FloatArray(256)
        FloatPictures(256).read(ByteBuffer.wrap(ByteArray(256) { it.toByte() }), FloatBuffer.wrap(floats))
        assertArrayEquals(FloatArray(256) { it.toFloat() }, floats, 0f)
        assertEquals(0, painted(Float.NaN))
    }

    private fun painted(value: Float): Int {
        val bytes = ByteBuffer.allocate(1)
        FloatPictures(1).write(FloatBuffer.wrap(floatArrayOf(value)), bytes)
        return bytes.get(0).toInt() and 255
    }
}
