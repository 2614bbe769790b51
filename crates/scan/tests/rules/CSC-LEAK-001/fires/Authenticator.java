package example;

@RestController
public class Authenticator {
    @PostMapping("/login")
    public void login(@RequestBody Credentials credentials, HttpServletRequest request) {
        User user = users.check(credentials.name(), credentials.password());
        request.getSession().setAttribute("userId", user.getId());
        String token = tokens.of(user);
        LOGGER.debug("signed in with token [{}]", token);
    }
}
