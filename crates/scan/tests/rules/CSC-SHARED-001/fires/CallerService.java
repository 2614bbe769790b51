package app;

@Service
public class CallerService {
    private User caller;

    public void enter(Principal principal) {
        this.caller = users.findByName(principal.getName());
    }

    public void requireAdmin() {
        if (!caller.isAdmin()) throw new AccessDeniedException("staff only");
    }
}

@RestController
class LoginController {
    @PostMapping("/login")
    public void login(HttpServletRequest request, LoginForm form) {
        User user = users.check(form.getName(), form.getPassword());
        request.getSession().setAttribute("user", user.getId());
    }
}
