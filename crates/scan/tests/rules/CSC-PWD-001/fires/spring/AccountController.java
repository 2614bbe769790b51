package example;

@RestController
public class AccountController {
    @PostMapping("/account/password")
    public void changePassword(Authentication auth, @RequestBody PasswordForm form) {
        User user = users.find(auth.getName());
        user.setPassword(encoder.encode(form.next()));
        users.save(user);
        log.info("{} sessions", registry.getAllSessions(auth.getPrincipal(), false).stream().map(SessionInformation::getSessionId).count());
    }
}
