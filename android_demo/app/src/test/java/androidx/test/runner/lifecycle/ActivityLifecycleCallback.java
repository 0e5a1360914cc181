package androidx.test.runner.lifecycle;

import android.app.Activity;

/** Stands in for the class of androidx.test, which is in Google's repository only; what Robolectric calls, no more. */
public interface ActivityLifecycleCallback {
    void onActivityLifecycleChanged(Activity activity, Stage stage);
}
