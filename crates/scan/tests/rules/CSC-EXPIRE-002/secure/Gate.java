package example;

@RestController
public class Gate {
    @PostMapping("/login")
    public void login(@RequestBody Credentials credentials, HttpServletResponse response) {
        User user = users.check(credentials);
        UserSession session = sessionRepository.save(new UserSession(user.getId()));
        response.addCookie(cookie(session.getId()));
    }

    public UserSession authenticate(HttpServletRequest request) {
        UserSession session = sessionRepository.find(request);
        if (session.getLastSeen().plus(SILENCE).isBefore(Instant.now())) {
            throw new Unauthorized();
        }
        return session;
    }
}
