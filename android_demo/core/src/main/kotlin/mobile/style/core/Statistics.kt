package mobile.style.core

/** Median and 90th percentile of the latest durations, without allocating when one is added. */
class Durations(private val capacity: Int = 90) {
    private val values = DoubleArray(capacity)
    private var next = 0
    var count = 0
        private set

    @Synchronized
    fun add(milliseconds: Double) {
        values[next] = milliseconds
        next = (next + 1) % capacity
        if (count < capacity) count++
    }

    /** Null as long as there are none. */
    @Synchronized
    fun summary(): Summary? {
        if (count == 0) return null
        val sorted = values.copyOf(count).also { it.sort() }
        return Summary(quantile(sorted, 0.5), quantile(sorted, 0.9), count)
    }

    @Synchronized
    fun clear() {
        next = 0
        count = 0
    }
}

/** Milliseconds. */
data class Summary(val median: Double, val p90: Double, val count: Int)

/** Between the two nearest values, as NumPy's quantile does by default. */
fun quantile(sorted: DoubleArray, share: Double): Double {
    val at = share * (sorted.size - 1)
    val low = at.toInt()
    val high = minOf(low + 1, sorted.size - 1)
    return sorted[low] + (at - low) * (sorted[high] - sorted[low])
}

enum class Stage { CAMERA, CONVERT, INFER, DRAW }

/** What each stage of the latest frames took, and how many frames a second were drawn. */
class StageTimes {
    private val stages = Stage.entries.associateWith { Durations() }
    private val between = Durations()
    private var last = 0L

    fun add(stage: Stage, nanoseconds: Long) = stages.getValue(stage).add(nanoseconds / 1e6)

    /** Called when a frame is drawn, with the time of a steady clock. */
    fun drawn(nanoseconds: Long) {
        if (last != 0L) between.add((nanoseconds - last) / 1e6)
        last = nanoseconds
    }

    fun summary(stage: Stage): Summary? = stages.getValue(stage).summary()

    /** Frames a second, of the median time between two. */
    fun framesPerSecond(): Double? = between.summary()?.let { 1000 / it.median }

    /** What a frame costs the worker; the camera delivers meanwhile. */
    fun workMedian(): Double? =
        listOf(Stage.CONVERT, Stage.INFER, Stage.DRAW).mapNotNull { summary(it)?.median }.takeIf { it.isNotEmpty() }?.sum()

    /** After a change that makes the past no guide: another style, another size, the app in the background. */
    fun clear() {
        stages.values.forEach(Durations::clear)
        between.clear()
        last = 0L
    }
}

/** Peak signal to noise ratio of two pictures' bytes, data range 255; infinite if they are equal. */
fun psnr(a: ByteArray, b: ByteArray): Double {
    require(a.size == b.size && a.isNotEmpty()) { "pictures of ${a.size} and ${b.size} bytes" }
    var squares = 0L
    for (i in a.indices) {
        val difference = (a[i].toInt() and 255) - (b[i].toInt() and 255)
        squares += difference * difference
    }
    return if (squares == 0L) Double.POSITIVE_INFINITY else 10 * Math.log10(255.0 * 255.0 * a.size / squares)
}
