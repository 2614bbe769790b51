package app;

@RestController
public class AccountController {
    private User active;

    @PostMapping("/login")
    public void login(HttpServletRequest request, LoginForm form) {
        User user = users.check(form.getName(), form.getPassword());
        request.getSession().setAttribute("user", user.getId());
    }

    @GetMapping("/account")
    public Account show(@AuthenticationPrincipal UserDetails details) {
        this.active = users.findByName(details.getUsername());
        return accounts.of(active);
    }

    @DeleteMapping("/accounts/{id}")
    public void remove(@PathVariable String id) {
        if (active.getRole() != Role.ADMIN) throw new AccessDeniedException("staff only");
        accounts.remove(id);
    }
}
