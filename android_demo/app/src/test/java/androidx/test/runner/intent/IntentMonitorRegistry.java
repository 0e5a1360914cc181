package androidx.test.runner.intent;

/** Stands in for the class of androidx.test, which is in Google's repository only; what Robolectric calls, no more. */
public final class IntentMonitorRegistry {
    private IntentMonitorRegistry() {}

    public static void registerInstance(IntentMonitor monitor) {}
}
