package androidx.test.runner.intent;

/** Stands in for the class of androidx.test, which is in Google's repository only; what Robolectric calls, no more. */
public final class IntentStubberRegistry {
    private IntentStubberRegistry() {}

    public static boolean isLoaded() {
        return false;
    }

    public static IntentStubber getInstance() {
        throw new IllegalStateException("none is loaded");
    }
}
