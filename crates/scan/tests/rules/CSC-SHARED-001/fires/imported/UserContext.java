package app;

public class UserContext {
    private static User user;

    static void set(User next) {
        user = next;
    }

    static User get() {
        return user;
    }
}
