package mobile.style.demo

import android.graphics.Bitmap
import android.net.Uri
import android.os.Handler
import android.os.Looper
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class OpenedPhotoTest {
    private val tasks = ArrayDeque<() -> Unit>() // of the side thread
    private val given = mutableListOf<Bitmap>() // to be painted
    private val shown = mutableListOf<Bitmap>()
    private val painting = bitmap()
    private val photo = OpenedPhoto(
        Handler(Looper.getMainLooper()),
        beside = tasks::addLast,
        paint = { given += it; painting },
        onPainted = shown::add,
    )

    private fun bitmap() = Bitmap.createBitmap(8, 8, Bitmap.Config.ARGB_8888)

    private fun runTasks() {
        while (tasks.isNotEmpty()) tasks.removeFirst()()
        shadowOf(Looper.getMainLooper()).idle()
    }

    @Test
    fun onlyTheLastPaintingThatWasAskedForIsMade() {
        val source = bitmap()
        photo.open(source, Uri.EMPTY)
        photo.repaint()
        photo.repaint()
        assertSame(source, photo.shown(original = false))
        runTasks()
        assertEquals(listOf(source), given)
        assertEquals(listOf(painting), shown)
        assertSame(painting, photo.shown(original = false))
        assertSame(source, photo.shown(original = true))
    }

    @Test
    fun aPhotoThatWasLeftIsNotPainted() {
        photo.open(bitmap(), Uri.EMPTY)
        photo.repaint()
        photo.repaintSoon()
        photo.leave()
        runTasks()
        assertEquals(emptyList<Bitmap>(), given + shown)
        assertNull(photo.shown(original = false))
    }
}
