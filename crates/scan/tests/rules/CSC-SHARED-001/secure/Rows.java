package app;

class Person {
    private String email;

    Person(String email) {
        this.email = email;
    }

    public void setUserEmail(String email) {
        this.userEmail = email;
    }

    private String userEmail;

    public boolean canRead(Document document) {
        return userEmail.equals(document.getOwner());
    }
}

@RestController
class PersonController {
    private static final Map<Integer, Person> PEOPLE = new HashMap<>();

    static {
        PEOPLE.put(1, new Person("a@example.test"));
        PEOPLE.put(2, new Person("b@example.test"));
    }

    @PostMapping("/login")
    public void login(HttpServletRequest request, LoginForm form) {
        User user = users.check(form.getName(), form.getPassword());
        request.getSession().setAttribute("user", user.getId());
    }
}
