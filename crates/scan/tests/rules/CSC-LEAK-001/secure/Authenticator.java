package example;

@RestController
public class Authenticator {
    @PostMapping("/login")
    public void login(@RequestBody Credentials credentials, HttpServletRequest request) {
        UsernamePasswordToken token = new UsernamePasswordToken(credentials.name(), credentials.password());
        LOGGER.debug("asked by {}", token);
        User user = authenticate(token);
        request.getSession().setAttribute("userId", user.getId());
    }

    User authenticate(AuthenticationToken token) {
        LOGGER.trace("Authentication attempt received for token [{}]", token);
        return users.check(token.getPrincipal(), token.getCredentials());
    }
}
