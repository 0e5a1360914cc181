package androidx.test.internal.runner.intent;

import android.content.Intent;
import androidx.test.runner.intent.IntentMonitor;

/** Stands in for the class of androidx.test, which is in Google's repository only; what Robolectric calls, no more. */
public class IntentMonitorImpl implements IntentMonitor {
    public void signalIntent(Intent intent) {}
}
