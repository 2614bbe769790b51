package app;

@Service
@RequestScope
public class CallerService {
    private User caller;

    public void enter(Principal principal) {
        this.caller = users.findByName(principal.getName());
    }

    public boolean isAdmin() {
        return caller.isAdmin();
    }
}

@Service
class Mailer {
    private final Principal sender;
    private Account system;

    Mailer(Principal sender) {
        this.sender = sender;
    }

    void connect() {
        this.system = accounts.findByName("system");
    }

    boolean mayWrite(Account account) {
        return system.getId() == account.getOwner() && sender != null;
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
