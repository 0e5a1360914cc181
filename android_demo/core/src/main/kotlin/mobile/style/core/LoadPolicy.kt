package mobile.style.core

/** What the app does less of: a smaller picture first, then every second frame. */
data class Load(val sizeIndex: Int, val halfRate: Boolean)

/**
 * Lowers the load before the picture stutters, and raises it again slowly.
 *
 * [sizes] is how many sizes of the style's model there are, the largest first. Every step waits for [patience]
 * observations in a row, so that one slow frame changes nothing; a step up waits ten times as long, and for a phone
 * that is no longer warm.
 */
class LoadPolicy(private val sizes: Int, private val budget: Double = 33.3, private val patience: Int = 3) {
    var load = Load(0, false)
        private set
    private var slow = 0
    private var easy = 0

    /**
     * Called about once a second.
     * [work]: milliseconds that a frame costs at the median. [heat]: Android's thermal status, 0 none to 6 shutdown,
     * of which 2 (moderate) is when phones begin to slow down.
     */
    fun observe(work: Double, heat: Int): Load {
        val limit = if (load.halfRate) 2 * budget else budget
        val tooMuch = work > 0.95 * limit || heat >= MODERATE
        val little = work < 0.5 * limit && heat == 0
        slow = if (tooMuch) slow + 1 else 0
        easy = if (little) easy + 1 else 0
        if (slow >= patience) lower()
        if (easy >= 10 * patience) raise()
        return load
    }

    private fun lower() {
        slow = 0
        load = if (load.sizeIndex + 1 < sizes) load.copy(sizeIndex = load.sizeIndex + 1) else load.copy(halfRate = true)
    }

    private fun raise() {
        easy = 0
        load = if (load.halfRate) load.copy(halfRate = false) else load.copy(sizeIndex = maxOf(0, load.sizeIndex - 1))
    }

    companion object {
        const val MODERATE = 2
    }
}
