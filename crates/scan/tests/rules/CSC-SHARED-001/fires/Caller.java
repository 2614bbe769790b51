package app;

import jakarta.servlet.http.HttpServletRequest;

public class Caller {
    private static User currentUser;

    public static void enter(HttpServletRequest request) {
        currentUser = Users.find(request.getHeader("Authorization"));
    }

    public static boolean isAdmin() {
        return currentUser.getRole() == Role.ADMIN;
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
