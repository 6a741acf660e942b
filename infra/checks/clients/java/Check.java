/** Prints what was tried: `ok WHAT`, or `failed WHAT: WHY`. */
final class Check {
  /** Something that a client can do; it throws when it cannot. */
  interface Attempt {
    void run() throws Exception;
  }

  static final String EDGE = System.getenv("PENSTOCK_EDGE");
  static final String KEY = System.getenv("PENSTOCK_KEY");
  /** A key that may have one call at a time. */
  static final String ONE_CALL_KEY = System.getenv("PENSTOCK_ONE_CALL_KEY");
  private static boolean hasFailed = false;

  private Check() {}

  static void check(String what, Attempt attempt) {
    try {
      attempt.run();
      System.out.println("ok  " + what);
    } catch (Exception | AssertionError cause) {
      hasFailed = true;
      String why = cause.toString().replace('\n', ' ');
      System.out.println("failed  " + what + ": " + why.substring(0, Math.min(300, why.length())));
    }
  }

  static void must(boolean is, String what) {
    if (!is) throw new AssertionError("no " + what);
  }

  /** The error of this class that the attempt throws. */
  static <T extends Exception> T rejected(Class<T> error, Attempt attempt) throws Exception {
    try {
      attempt.run();
    } catch (Exception cause) {
      if (error.isInstance(cause)) return error.cast(cause);
      throw cause;
    }
    throw new AssertionError("no " + error.getSimpleName());
  }

  /** The SDK's threads would keep the program running for a minute. */
  static void end() {
    System.exit(hasFailed ? 1 : 0);
  }
}
