package mobile.style.demo

import android.view.View
import mobile.style.core.Backend
import mobile.style.core.Stage
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.shadows.ShadowBuild

/** The screens that docs/android.md shows, of a style that ships and the engine itself; LookTest has that of a mix. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], qualifiers = "w411dp-h891dp-port-notnight-420dpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class PicturesTest : AppScreen() {
    private val machine = "No phone: a JVM on ${System.getProperty("os.arch")}"

    @Before
    fun useTheEngine() {
        Setup.engines = original
        ShadowBuild.setModel(machine)
    }

    @Test
    fun upright() {
        start()
        assertTrue(difference(paintFrame()) in 20.0..60.0) // neither the photo nor the float network's picture
        screenshot("live")
        activity.hold(true)
        paintFrame()
        screenshot("original")
        activity.hold(false)
        val pipeline = activity.live.startPipeline()
        await {
            pipeline.offer(frame())
            pipeline.diagnostics()!!.times.let { (it.summary(Stage.INFER)?.count ?: 0) >= 10 && it.framesPerSecond() != null }
        }
        find<View>(R.id.info).performClick()
        idle()
        assertTrue("${texts()}", texts().any { it.startsWith(machine) })
        val trials = pipeline.diagnostics()!!.trials
        assertEquals("$trials", listOf(Backend.Kind.GPU), trials.filter { it.failure != null }.map { it.backend.kind })
        screenshot("diagnostics")
    }

    @Test
    @Config(qualifiers = "w891dp-h411dp-land-notnight-420dpi")
    fun onItsSide() {
        start()
        activity.live.startPipeline().turn = Turn(0, false) // this camera's frames are upright
        paintFrame()
        screenshot("landscape")
    }
}
