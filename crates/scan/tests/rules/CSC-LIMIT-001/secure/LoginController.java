package example;

@RestController
public class LoginController {
    private static final int MAX = 5;

    @PostMapping("/login")
    public void login(@RequestBody Credentials credentials, HttpServletResponse response) {
        User user = users.check(credentials);
        UserSession session = sessionRepository.save(new UserSession(user.getId()));
        sessionRepository.findByUserId(user.getId()).stream()
            .sorted(Comparator.comparing(UserSession::getCreatedAt).reversed())
            .skip(MAX)
            .forEach(sessionRepository::delete);
        response.addCookie(cookie(session.getId()));
    }
}
