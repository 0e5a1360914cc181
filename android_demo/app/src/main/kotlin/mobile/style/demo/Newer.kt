package mobile.style.demo

import android.app.Activity
import android.app.ActivityManager
import android.app.ApplicationExitInfo
import android.content.ContentValues
import android.content.Context
import android.os.Build
import android.os.PowerManager
import android.provider.MediaStore
import android.view.View
import android.view.Window
import android.view.WindowInsets
import android.view.WindowManager
import android.window.OnBackInvokedCallback
import android.window.OnBackInvokedDispatcher

/**
 * Everything that is newer than the oldest Android that the app runs on, each behind a question for the version.
 *
 * The lint of the build lets no other class name such an API.
 */
object Newer {
    /** The phone's own word on how warm it is, 0 to 6; 0 where it says nothing. */
    fun heat(context: Context): Int {
        if (Build.VERSION.SDK_INT < 29) return 0
        return context.getSystemService(PowerManager::class.java)?.currentThermalStatus ?: 0
    }

    /** Whether the app's last process crashed or hung in native code; null where the phone does not tell. */
    fun crashed(context: Context): Boolean? {
        if (Build.VERSION.SDK_INT < 30) return null
        val manager = context.getSystemService(ActivityManager::class.java) ?: return null
        val last = manager.getHistoricalProcessExitReasons(null, 0, 1).firstOrNull() ?: return null
        return when (last.reason) {
            ApplicationExitInfo.REASON_CRASH_NATIVE, ApplicationExitInfo.REASON_ANR -> true
            ApplicationExitInfo.REASON_SIGNALED -> last.status != KILLED
            else -> false
        }
    }

    private const val KILLED = 9 // SIGKILL: by the system or the user, not by a fault

    /** Whether pictures go to the gallery without a permission; before that the user chooses a file. */
    val gallery get() = Build.VERSION.SDK_INT >= 29

    /** Where in the gallery, and that nobody sees it before it is whole. */
    fun pending(values: ContentValues, pending: Boolean, folder: String) {
        if (Build.VERSION.SDK_INT < 29) return
        values.put(MediaStore.MediaColumns.IS_PENDING, if (pending) 1 else 0)
        if (pending) values.put(MediaStore.MediaColumns.RELATIVE_PATH, folder)
    }

    /** What [interceptBack] registers, to call [action]. Null before Android 13, whose activities override onBackPressed. */
    fun backCallback(action: () -> Unit): Any? = if (Build.VERSION.SDK_INT < 33) null else OnBackInvokedCallback(action)

    /** Has Back call [callback], or else leave the app, which the system then shows while the finger still moves. */
    fun interceptBack(activity: Activity, callback: Any?, intercept: Boolean) {
        if (Build.VERSION.SDK_INT < 33 || callback !is OnBackInvokedCallback) return
        val dispatcher = activity.onBackInvokedDispatcher
        if (intercept) {
            dispatcher.registerOnBackInvokedCallback(OnBackInvokedDispatcher.PRIORITY_DEFAULT, callback)
        } else {
            dispatcher.unregisterOnBackInvokedCallback(callback)
        }
    }

    /** The picture reaches behind the bars and the cutout. */
    @Suppress("DEPRECATION") // what followed is of Android 15
    fun edgeToEdge(window: Window) {
        if (Build.VERSION.SDK_INT >= 28) {
            window.attributes = window.attributes.apply {
                layoutInDisplayCutoutMode = WindowManager.LayoutParams.LAYOUT_IN_DISPLAY_CUTOUT_MODE_SHORT_EDGES
            }
        }
        if (Build.VERSION.SDK_INT >= 30) {
            window.setDecorFitsSystemWindows(false)
        } else {
            window.decorView.systemUiVisibility = View.SYSTEM_UI_FLAG_LAYOUT_STABLE or
                View.SYSTEM_UI_FLAG_LAYOUT_FULLSCREEN or View.SYSTEM_UI_FLAG_LAYOUT_HIDE_NAVIGATION
        }
        if (Build.VERSION.SDK_INT >= 29) window.isNavigationBarContrastEnforced = false
    }

    /** What a screen reader says of a view's state, instead of percent of a slider; null for that. */
    fun describe(view: View, state: String?) {
        if (Build.VERSION.SDK_INT >= 30) view.stateDescription = state
    }

    /** Whether a screen reader lists a view among the headings. */
    fun heading(view: View, heading: Boolean) {
        if (Build.VERSION.SDK_INT >= 28) view.isAccessibilityHeading = heading
    }

    /** Left, top, right, bottom that bars and cutouts cover. */
    fun covered(insets: WindowInsets): IntArray {
        if (Build.VERSION.SDK_INT >= 30) {
            val bars = insets.getInsets(WindowInsets.Type.systemBars() or WindowInsets.Type.displayCutout())
            return intArrayOf(bars.left, bars.top, bars.right, bars.bottom)
        }
        @Suppress("DEPRECATION")
        val bars = intArrayOf(
            insets.systemWindowInsetLeft, insets.systemWindowInsetTop,
            insets.systemWindowInsetRight, insets.systemWindowInsetBottom,
        )
        val cutout = (if (Build.VERSION.SDK_INT >= 28) insets.displayCutout else null) ?: return bars
        val safe = intArrayOf(cutout.safeInsetLeft, cutout.safeInsetTop, cutout.safeInsetRight, cutout.safeInsetBottom)
        return IntArray(4) { maxOf(bars[it], safe[it]) }
    }
}
