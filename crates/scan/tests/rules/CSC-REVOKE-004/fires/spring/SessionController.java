package example;

@RestController
@RequestMapping("/account/sessions")
public class SessionController {
    @GetMapping
    public List<Row> list(Authentication auth, HttpSession session) {
        return registry.getAllSessions(auth.getPrincipal(), false).stream()
                .map(s -> new Row(s.getLastRequest(), s.getSessionId().equals(session.getId())))
                .toList();
    }

    @PostMapping("/end")
    public void endSession(Authentication auth, @RequestParam String id) {
        registry.getAllSessions(auth.getPrincipal(), false).stream()
                .filter(s -> s.getSessionId().equals(id))
                .findFirst()
                .ifPresent(SessionInformation::expireNow);
    }
}
