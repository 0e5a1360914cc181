package androidx.test.internal.platform.os;

import android.view.View;

/** Stands in for the class of androidx.test, which is in Google's repository only; what Robolectric calls, no more. */
public interface ControlledLooper {
    void drainMainThreadUntilIdle();

    void simulateWindowFocus(View decorView);
}
