package app;

@RestController
class LoginController {
    @PostMapping("/login")
    public void login(HttpServletRequest request, LoginForm form) {
        User user = users.check(form.getName(), form.getPassword());
        request.getSession().setAttribute("user", user.getId());
        UserContext.set(user);
    }

    @DeleteMapping("/accounts/{id}")
    public void remove(@PathVariable String id) {
        if (!UserContext.get().isAdmin()) throw new AccessDeniedException("staff only");
    }
}
