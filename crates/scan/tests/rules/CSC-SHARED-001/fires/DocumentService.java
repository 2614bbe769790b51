package app;

@Service
public class DocumentService {
    private User currentUser;

    public void open(HttpServletRequest request) {
        this.currentUser = users.find(request.getHeader("Authorization"));
    }

    public List<Document> list() {
        return documents.findByOwner(currentUser.getId());
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
