package mobile.style.demo

import android.app.Activity
import android.content.ComponentCallbacks2
import android.content.Intent
import android.content.res.Configuration
import android.net.Uri
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import android.view.WindowManager
import java.io.File
import java.util.concurrent.Executors
import java.util.concurrent.RejectedExecutionException
import mobile.style.core.Backend
import mobile.style.core.Choosers
import mobile.style.core.candidates
import mobile.style.core.strokeWidth

/** The only screen: what the user does and what the live picture, the photo and the gallery answer come together here. */
class MainActivity : Activity(), Actions {
    private val ui = Handler(Looper.getMainLooper())
    private val aside = Executors.newSingleThreadExecutor() // stills, tests and benchmarks, one at a time
    private lateinit var screen: Screen
    private lateinit var styles: Styles
    private lateinit var choosers: Choosers
    private lateinit var stills: Stills
    private val engines by lazy { GpuGuard(applicationContext) { model, backend -> Setup.engines(model, backend) } }
    @Volatile private var look: Look? = null // null where there is no style
    private val chosen get() = styles.usable.indexOf(look?.style)
    private val model get() = look?.style?.models?.first() // that stills are painted by
    private var percent = 100
    private val strength get() = percent * 256 / 100
    private var strokes = 1f // times as broad as the network's own, in a photo
    private var original = false // is shown
    lateinit var live: LivePicture
        private set
    private val photo = OpenedPhoto(
        ui,
        ::beside,
        paint = { source -> look?.let { stills.paint(source, it, strength, strokes) } },
        onPainted = { if (!original) screen.picture.show(it) },
    )
    private val gallery = Gallery(this, ::beside, ::say, ::open)
    private var active = false

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        Newer.edgeToEdge(window)
        screen = Screen(this, this)
        setContentView(screen)
        styles = Styles.discover(assets)
        choosers = lastNonConfigurationInstance as? Choosers ?: Choosers(candidates(Runtime.getRuntime().availableProcessors()))
        stills = Stills(resources, choosers, engines, ::say)
        look = (styles.usable.getOrNull(state?.getInt(CHOSEN) ?: 0) ?: styles.usable.firstOrNull())?.let { style ->
            val other = styles.usable.getOrNull(state?.getInt(OTHER) ?: -1)?.takeIf(style::mixesWith)
            Look(style, other, state?.getInt(SHARE) ?: 0)
        }
        live = LivePicture(this, screen, ui, wanted = { styles.usable.isNotEmpty() && !photo.isOpen }, ::resting, ::newPipeline, ::openPhoto)
        screen.showStyles(styles.usable)
        screen.showFlip(live.several)
        screen.diagnostics.showSelfTest(getString(R.string.self_test), true)
        showChosen()
        screen.showStatus(resting())
        if (styles.usable.isEmpty()) {
            val words = (listOf(getString(R.string.no_styles_text)) + styles.unusable).joinToString("\n")
            screen.showNotice(getString(R.string.no_styles_title), words, null) {}
        } else if (state == null && intent.getBooleanExtra("benchmark", false)) {
            benchmark()
        }
        if (state != null) intent.removeExtra("benchmark") // it was begun before
        @Suppress("DEPRECATION") // its successor is of Android 13
        if (state != null && styles.usable.isNotEmpty()) {
            gallery.saved = state.getParcelable(SHARED)
            state.getParcelable<Uri>(PHOTO_URI)?.let(::open)
        }
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putInt(CHOSEN, chosen)
        state.putInt(OTHER, styles.usable.indexOf(look?.other))
        state.putInt(SHARE, look?.percent ?: 0)
        state.putParcelable(SHARED, gallery.saved)
        state.putParcelable(PHOTO_URI, photo.uri)
    }

    /** What was measured is so in another theme or language, too. */
    @Deprecated("Its successor is not the platform's")
    override fun onRetainNonConfigurationInstance(): Any = choosers

    override fun onResume() {
        super.onResume()
        active = true
        stills.scarce = false
        live.resume()
        if (!intent.getBooleanExtra("benchmark", false)) live.start()
    }

    override fun onPause() {
        super.onPause()
        active = false
        live.pause()
    }

    override fun onDestroy() {
        super.onDestroy()
        aside.shutdown()
        ui.removeCallbacksAndMessages(null)
    }

    /** Of Android 12 and before. */
    @Deprecated("Its successor is of Android 13")
    override fun onBackPressed() = if (backCloses) closeByBack() else @Suppress("DEPRECATION") super.onBackPressed()

    private val backCloses get() = screen.diagnosticsVisible || photo.isOpen

    private fun closeByBack() = if (screen.diagnosticsVisible) screen.showDiagnostics(false) else flip()

    private val backCallback = Newer.backCallback(::closeByBack)

    override fun onConfigurationChanged(configuration: Configuration) {
        super.onConfigurationChanged(configuration)
        live.turn()
    }

    override fun onTrimMemory(level: Int) {
        super.onTrimMemory(level)
        @Suppress("DEPRECATION") // still told to apps in the foreground before Android 14
        if (level in ComponentCallbacks2.TRIM_MEMORY_RUNNING_LOW until ComponentCallbacks2.TRIM_MEMORY_UI_HIDDEN) {
            stills.scarce = true
        }
    }

    override fun onRequestPermissionsResult(request: Int, permissions: Array<String>, results: IntArray) = live.answered()

    override fun onActivityResult(request: Int, result: Int, data: Intent?) =
        gallery.chosen(request, data?.data?.takeIf { result == RESULT_OK })

    private fun newPipeline(before: Thread?) = Pipeline(
        choosers = choosers,
        open = engines,
        heat = { Newer.heat(this) },
        onPicture = { bitmap -> ui.post { if (!photo.isOpen) screen.picture.show(bitmap) } },
        onReady = { say(null) },
        onCooler = { say(getString(R.string.cooler)) },
        onFailure = { trials -> ui.post { live.showNoEngine(trials) } },
        before = before,
    ).also {
        it.look = look
        it.strength = strength
        it.original = original
    }

    // What the user does

    override fun choose(style: Int) {
        paintAs(Look(styles.usable[style]))
        showChosen()
    }

    override fun mixWith(other: Style?) {
        val style = look?.style ?: return
        paintAs(Look(style, other, HALF))
        showChosen()
        screen.showStatus(resting())
    }

    override fun mixShare(percent: Int) {
        paintAs(look?.takeIf { it.other != null }?.copy(percent = percent) ?: return)
        screen.showStatus(resting())
    }

    private fun paintAs(now: Look) {
        look = now
        live.pipeline?.look = now
        screen.knobs.describe(resting())
        photo.repaintSoon()
    }

    override fun strokes(times: Float) {
        strokes = times
        screen.showStatus(getString(R.string.strokes_times, times))
        screen.knobs.describe(resting())
        photo.repaintSoon()
    }

    override fun swipe(by: Int) {
        if (styles.usable.isNotEmpty()) choose(Math.floorMod(chosen + by, styles.usable.size))
    }

    override fun hold(original: Boolean) {
        this.original = original
        live.pipeline?.original = original
        screen.showStatus(if (original) getString(R.string.original) else resting())
        photo.shown(original)?.let(screen.picture::show)
    }

    override fun strength(percent: Int) {
        this.percent = percent
        live.pipeline?.strength = strength
        photo.repaintSoon()
    }

    override fun shutter() {
        if (photo.isOpen) {
            photo.painted?.let { beside { gallery.save(it) } }
            return
        }
        val look = look ?: return
        val strength = strength // the user may slide on before it is painted
        val lost = { ui.post { screen.allowShutter(true) }; Unit }
        val taken = live.capture({ jpeg ->
            beside {
                stills.decode(jpeg, look.style.models.first())?.let { stills.paint(it, look, strength) }?.let(gallery::save)
                lost()
            }
        }, lost)
        screen.allowShutter(!taken)
    }

    override fun openPhoto() = gallery.open()

    override fun flip() {
        if (photo.isOpen) {
            photo.leave()
            screen.knobs.offerStrokes(null)
            showChosen()
        } else {
            live.flip()
        }
        live.start()
    }

    override fun share() = gallery.share()

    override fun diagnostics(visible: Boolean) {
        Newer.interceptBack(this, backCallback, backCloses)
        ui.removeCallbacks(refresh)
        if (visible) refresh.run()
    }

    private val refresh = object : Runnable {
        override fun run() {
            screen.diagnostics.show(diagnosticsLines(resources, live.pipeline?.diagnostics()))
            ui.postDelayed(this, 500)
        }
    }

    override fun selfTest() {
        screen.diagnostics.showSelfTest(getString(R.string.self_test_running), false)
        val backend = live.pipeline?.diagnostics()?.engine?.backend ?: choosers.inUse() ?: Backend(Backend.Kind.XNNPACK)
        beside {
            val lines = selfTest(styles.usable, backend, resources, engines)
            ui.post {
                screen.showNotice(getString(R.string.self_test), lines.joinToString("\n"), getString(R.string.close)) {
                    screen.hideNotice()
                    if (active) live.start() // or says again what keeps it from that
                }
                screen.diagnostics.showSelfTest(getString(R.string.self_test), true)
            }
        }
    }

    /** Null: nothing but what is painted. */
    private fun say(text: String?) {
        ui.post { screen.showStatus(text ?: resting()) }
    }

    private fun resting(): String {
        val (style, other, percent) = look ?: return getString(R.string.hint)
        if (other == null) return getString(R.string.hint)
        return getString(R.string.mix_percent, style.title, 100 - percent, other.title, percent)
    }

    /** On the side thread; not at all once the screen is gone. */
    private fun beside(task: () -> Unit) {
        try {
            aside.execute(task)
        } catch (_: RejectedExecutionException) {
        }
    }

    private fun open(uri: Uri) = beside {
        val bytes = Photos.read(this, uri)
        val opened = model?.let { model -> bytes?.let { stills.decode(it, model) } }
        ui.post {
            if (opened == null) return@post screen.showStatus(getString(R.string.unreadable))
            live.stop()
            photo.open(opened, uri)
            screen.hideNotice()
            screen.picture.show(opened)
            screen.knobs.offerStrokes(model?.let { Photos.broadest(opened, it) }, strokeWidth(opened.width, opened.height))
            showChosen()
            photo.repaint()
        }
    }

    private fun benchmark() {
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        beside {
            val file = File(getExternalFilesDir(null) ?: filesDir, "benchmark.json")
            file.delete()
            Benchmark(styles.usable, engines, heat = { Newer.heat(this) }).write(file) { model, backend ->
                say(getString(R.string.benchmark_running, model.card.title, backend.toString()))
            }
            ui.post {
                intent.removeExtra("benchmark")
                if (active) live.start()
                screen.showStatus(getString(R.string.benchmark_done, file.name))
            }
        }
    }

    private fun showChosen() {
        Newer.interceptBack(this, backCallback, backCloses)
        val look = look ?: return
        screen.showChosen(chosen, look, styles.usable.filter(look.style::mixesWith), still = photo.isOpen)
        screen.showFlip(photo.isOpen || live.several)
    }

    private companion object {
        const val CHOSEN = "chosen"
        const val OTHER = "other"
        const val SHARE = "share"
        const val HALF = 50 // percent
        const val SHARED = "shared"
        const val PHOTO_URI = "photo"
    }
}
