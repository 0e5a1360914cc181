package mobile.style.core

/** A way to run a model: XNNPACK or TensorFlow Lite's own kernels on so many threads, or the GPU. */
data class Backend(val kind: Kind, val threads: Int = 1) {
    enum class Kind { GPU, XNNPACK, PLAIN }

    override fun toString() = when (kind) {
        Kind.GPU -> "GPU"
        Kind.XNNPACK -> "XNNPACK × $threads"
        Kind.PLAIN -> "CPU × $threads"
    }
}

/** What is tried on a phone with so many cores, the surest last. */
fun candidates(cores: Int): List<Backend> {
    val threads = listOf(4, 2, 1).filter { it <= maxOf(1, cores) }
    return listOf(Backend(Backend.Kind.GPU)) + threads.map { Backend(Backend.Kind.XNNPACK, it) } +
        Backend(Backend.Kind.PLAIN, 1)
}

/** How one way to run the model went: [milliseconds] of its warm-up's median inference, or why it is out. */
data class Trial(val backend: Backend, val milliseconds: Double? = null, val failure: String? = null)

/**
 * Which backend runs the model, and why: each is warmed up and measured, the fastest is used, and when it fails later
 * on the next fastest takes over. A backend that fails once is not used again.
 *
 * The states are Measuring(next), Using(backend, reason) and Exhausted; every event answers with the next one.
 */
class BackendChooser(private val backends: List<Backend>) {
    sealed class State {
        data class Measuring(val backend: Backend) : State()
        data class Using(val backend: Backend, val reason: Reason) : State()
        data class Exhausted(val trials: List<Trial>) : State()
    }

    /** Why a backend is used; the app puts it into words. [runnerUp] is the next fastest that works. */
    data class Reason(val milliseconds: Double, val runnerUp: Trial?, val failed: List<Trial>)

    private val trials = LinkedHashMap<Backend, Trial>()

    init {
        require(backends.isNotEmpty()) { "no backend to choose from" }
    }

    var state: State = State.Measuring(backends.first())
        private set

    /** The backend being measured, or in use, took so long. */
    fun measured(milliseconds: Double): State {
        val current = (state as? State.Measuring ?: error("nothing is being measured")).backend
        trials[current] = Trial(current, milliseconds)
        return next()
    }

    /** The backend being measured, or in use, does not work. */
    fun failed(why: String): State {
        val current = when (val now = state) {
            is State.Measuring -> now.backend
            is State.Using -> now.backend
            is State.Exhausted -> return now
        }
        trials[current] = Trial(current, failure = why)
        return next()
    }

    fun trials(): List<Trial> = trials.values.toList()

    private fun next(): State {
        state = backends.firstOrNull { it !in trials }?.let { State.Measuring(it) } ?: best()
        return state
    }

    private fun best(): State {
        val working = trials.values.filter { it.milliseconds != null }.sortedBy { it.milliseconds }
        val first = working.firstOrNull() ?: return State.Exhausted(trials())
        val failed = trials.values.filter { it.failure != null }
        return State.Using(first.backend, Reason(first.milliseconds!!, working.getOrNull(1), failed))
    }
}
