package app;

public class Caller {
    private static final ThreadLocal<User> CURRENT_USER = new ThreadLocal<>();

    public static void enter(HttpServletRequest request) {
        CURRENT_USER.set(Users.find(request.getHeader("Authorization")));
    }

    public static boolean isAdmin() {
        User currentUser = CURRENT_USER.get();
        return currentUser.getRole() == Role.ADMIN;
    }
}

@Component
@RequestScope
class CallerBean {
    private User currentUser;

    public void enter(HttpServletRequest request) {
        this.currentUser = Users.find(request.getHeader("Authorization"));
    }

    public boolean isAdmin() {
        return this.currentUser.getRole() == Role.ADMIN;
    }
}

@RestController
class LoginController {
    @PostMapping("/login")
    public void login(HttpServletRequest request, LoginForm form) {
        User user = users.check(form.getName(), form.getPassword());
        request.getSession().setAttribute("user", user.getId());
    }
}
