package example;

@RestController
public class LoginController {
    private final Map<String, Long> sessions = new ConcurrentHashMap<>();

    @PostMapping("/login")
    public void login(@RequestBody Credentials credentials, HttpServletResponse response) {
        User user = users.check(credentials);
        String token = UUID.randomUUID().toString();
        sessions.put(token, user.getId());
        response.addCookie(cookie(token));
    }
}
