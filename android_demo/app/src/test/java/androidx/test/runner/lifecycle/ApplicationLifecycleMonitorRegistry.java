package androidx.test.runner.lifecycle;

/** Stands in for the class of androidx.test, which is in Google's repository only; what Robolectric calls, no more. */
public final class ApplicationLifecycleMonitorRegistry {
    private ApplicationLifecycleMonitorRegistry() {}

    public static void registerInstance(ApplicationLifecycleMonitor monitor) {}
}
