package mobile.style.core

import java.io.File
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

/** Shares, and a card of many styles, are written by the Python side of the tests. */
class MixTest {
    private val folder = File(System.getProperty("vectors"))

    @Test
    fun sharesAsBytesAreThoseOfPython() {
        val cases = (Json.parse(File(folder, "mixes.json").readText()) as List<*>).map { it as Map<*, *> }
        assertTrue("${cases.size} cases", cases.size >= 20)
        for (case in cases) {
            fun numbers(key: String) = (case[key] as List<*>).map { it as Double }
            val shares = FloatArray(numbers("shares").size) { numbers("shares")[it].toFloat() }
            assertEquals(case.toString(), numbers("bytes"), shareBytes(shares).map { (it.toInt() and 255).toDouble() })
        }
    }

    @Test
    fun mixesTwo() {
        assertArrayEquals(floatArrayOf(0f, 1f, 0f), shares(3, 1), 0f)
        assertArrayEquals(floatArrayOf(0.25f, 0f, 0.75f), shares(3, 0, 2, 75), 1e-6f)
        assertArrayEquals(byteArrayOf(0, 128.toByte(), 127), shareBytes(shares(3, 2, 1, 50)))
        assertArrayEquals(byteArrayOf(0, 0, -1), shareBytes(shares(3, 2, 1, 0)))
    }

    @Test
    fun readsTheStylesOfACard() {
        val text = File(folder, "many.json").readText()
        val card = ModelCard.parse(text, "uint8")
        assertEquals(20, card.styles.size)
        assertEquals("Starry Night", titleOf(card.styles.first()))
        fun refused(card: String) =
            assertThrows(ModelCard.Companion.Unusable::class.java) { ModelCard.parse(card, "uint8") }.message!!
        assertTrue("mix" in refused(text.replace("\"udnie\",", ""))) // a style less than shares
        assertTrue("lacks" in refused(text.replace("\"styles\"", "\"others\"")))
    }
}
