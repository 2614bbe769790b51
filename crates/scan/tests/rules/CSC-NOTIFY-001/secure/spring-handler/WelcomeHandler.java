package example;

public class WelcomeHandler implements AuthenticationSuccessHandler {
    @Override
    public void onAuthenticationSuccess(HttpServletRequest request, HttpServletResponse response, Authentication auth) {
        notices.tell(auth.getName(), request.getRemoteAddr());
        response.sendRedirect("/");
    }
}

class Notices {
    void tell(String name, String address) {
        smsSender.send(numbers.of(name), address);
    }
}
