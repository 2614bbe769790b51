package example;

@RestController
public class LoginController {
    private final SessionService sessions;

    @PostMapping("/login")
    public void login(@RequestBody Credentials credentials, HttpServletResponse response) {
        User user = users.check(credentials);
        response.addCookie(cookie(sessions.open(user)));
    }
}
