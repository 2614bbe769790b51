package example;

@RestController
public class LoginController {
    private final Map<String, Long> sessions = new ConcurrentHashMap<>();

    @PostMapping("/login")
    public void login(@RequestBody Credentials credentials, @CookieValue String sid, HttpServletRequest request) {
        User user = users.check(credentials);
        String token = request.getSession().getId();
        sessions.put(token, user.getId());
    }
}
