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
class BackendChooser private constructor(
    private val backends: List<Backend>,
    failed: List<Trial>,
    private var spared: Set<Backend>, // slower where pictures are larger; measured if the others fail
) {
    constructor(backends: List<Backend>) : this(backends, emptyList(), emptySet())

    /** Held by the thread that tries backends for this chooser, one at a time. */
    val turn = Any()

    sealed class State {
        /** The one being measured, or in use; null if none is left. */
        abstract val backend: Backend?

        data class Measuring(override val backend: Backend) : State()
        data class Using(override val backend: Backend, val reason: Reason) : State()
        data class Exhausted(val trials: List<Trial>) : State() {
            override val backend = null
        }
    }

    /**
     * Why a backend is used; the app puts it into words. [runnerUp] is the next fastest that works; it is not known
     * where the choice is that [ofLarger] pictures.
     */
    data class Reason(val milliseconds: Double, val runnerUp: Trial?, val failed: List<Trial>, val ofLarger: Boolean)

    private val trials = LinkedHashMap<Backend, Trial>().apply { failed.associateByTo(this) { it.backend } }

    init {
        require(backends.isNotEmpty()) { "no backend to choose from" }
    }

    @Volatile var state: State = State.Measuring(backends.first { it !in trials && it !in spared })
        private set

    /** For smaller pictures: only the backend in use is measured anew. Null while none is. */
    @Synchronized
    fun forSmaller(): BackendChooser? = (state as? State.Using)?.let { now ->
        val failed = trials().filter { it.failure != null }
        BackendChooser(backends, failed, (backends - now.backend - failed.map { it.backend }.toSet()).toSet())
    }

    /** The backend being measured, or in use, took so long. */
    @Synchronized
    fun measured(milliseconds: Double): State {
        val current = (state as? State.Measuring ?: error("nothing is being measured")).backend
        trials[current] = Trial(current, milliseconds)
        return next()
    }

    /** [backend] does not work; of no account if it is no longer the one being measured, or in use. */
    @Synchronized
    fun failed(backend: Backend, why: String): State {
        if (backend != state.backend) return state
        trials[backend] = Trial(backend, failure = why)
        spared = emptySet()
        return next()
    }

    @Synchronized
    fun trials(): List<Trial> = trials.values.toList()

    private fun next(): State {
        state = backends.firstOrNull { it !in trials && it !in spared }?.let { State.Measuring(it) } ?: best()
        return state
    }

    private fun best(): State {
        val working = trials.values.filter { it.milliseconds != null }.sortedBy { it.milliseconds }
        val first = working.firstOrNull() ?: return State.Exhausted(trials())
        val failed = trials.values.filter { it.failure != null }
        return State.Using(first.backend, Reason(first.milliseconds!!, working.getOrNull(1), failed, spared.isNotEmpty()))
    }
}

/** The choices for pictures of so many bytes, on all backends or without the GPU, kept while the app runs. */
class Choosers(private val backends: List<Backend>) {
    private data class Key(val bytes: Int, val gpu: Boolean, val mixes: Boolean)

    private val byKey = HashMap<Key, BackendChooser>()

    /**
     * For pictures of so many [bytes], of models that a [gpu] can run, or only processors, and of those that mix styles,
     * whose graph is another. A size smaller than one that is settled takes over its choice, so that a hot phone does
     * not measure again.
     */
    @Synchronized
    fun of(bytes: Int, gpu: Boolean, mixes: Boolean = false): BackendChooser = byKey.getOrPut(Key(bytes, gpu, mixes)) {
        val larger = byKey.filterKeys { it.copy(bytes = bytes) == Key(bytes, gpu, mixes) && it.bytes > bytes }.minByOrNull { it.key.bytes }?.value
        larger?.forSmaller() ?: BackendChooser(backends.filter { gpu || it.kind != Backend.Kind.GPU })
    }

    /** What is in use at one of the sizes. */
    @Synchronized
    fun inUse(): Backend? = byKey.values.firstNotNullOfOrNull { (it.state as? BackendChooser.State.Using)?.backend }
}
