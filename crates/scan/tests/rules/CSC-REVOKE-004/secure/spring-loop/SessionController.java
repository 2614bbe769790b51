package example;

@RestController
@RequestMapping("/account/sessions")
public class SessionController {
    @DeleteMapping("/{id}")
    public void end(Authentication auth, @PathVariable String id) {
        registry.getAllSessions(auth.getPrincipal(), false).stream()
                .filter(s -> s.getSessionId().equals(id))
                .findFirst()
                .ifPresent(SessionInformation::expireNow);
    }

    @PostMapping("/leave")
    public void endSessions(Authentication auth, HttpServletRequest request) {
        String current = request.getSession().getId();
        for (SessionInformation information : registry.getAllSessions(auth.getPrincipal(), false)) {
            if (current.equals(information.getSessionId())) {
                continue;
            }
            information.expireNow();
        }
    }
}
