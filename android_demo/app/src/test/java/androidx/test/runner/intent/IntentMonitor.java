package androidx.test.runner.intent;

/** Stands in for the class of androidx.test, which is in Google's repository only; what Robolectric calls, no more. */
public interface IntentMonitor {
}
