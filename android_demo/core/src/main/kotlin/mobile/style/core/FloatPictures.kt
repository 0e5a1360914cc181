package mobile.style.core

import java.nio.ByteBuffer
import java.nio.FloatBuffer

/** Pictures of [values] bytes for networks that compute with floats of 0 to 255; what they paint is rounded and clipped. */
class FloatPictures(values: Int) {
    private val floats = FloatArray(values)
    private val bytes = ByteArray(values)

    fun read(from: ByteBuffer, to: FloatBuffer) {
        from.get(bytes)
        for (i in bytes.indices) floats[i] = (bytes[i].toInt() and 255).toFloat()
        to.put(floats)
    }

    /** Halves go to the even neighbor, as in Python; what is no number becomes 0. */
    fun write(from: FloatBuffer, to: ByteBuffer) {
        from.get(floats)
        for (i in floats.indices) bytes[i] = Math.rint(floats[i].toDouble()).toInt().coerceIn(0, 255).toByte()
        to.put(bytes)
    }
}
