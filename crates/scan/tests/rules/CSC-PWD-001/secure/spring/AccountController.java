package example;

@RestController
public class AccountController {
    @PostMapping("/account/password")
    public void changePassword(Authentication auth, HttpSession session, @RequestBody PasswordForm form) {
        User user = users.find(auth.getName());
        user.setPassword(encoder.encode(form.next()));
        users.save(user);
        endOthers(auth, session);
    }

    private void endOthers(Authentication auth, HttpSession session) {
        registry.getAllSessions(auth.getPrincipal(), false).stream()
                .filter(s -> !s.getSessionId().equals(session.getId()))
                .forEach(SessionInformation::expireNow);
    }
}
