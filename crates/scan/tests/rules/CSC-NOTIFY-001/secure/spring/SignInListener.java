package example;

@Component
public class SignInListener {
    private final JavaMailSender mailSender;

    @EventListener
    public void on(AuthenticationSuccessEvent event) {
        User user = users.find(event.getAuthentication().getName());
        SimpleMailMessage message = new SimpleMailMessage();
        message.setTo(user.getEmail());
        message.setSubject("Somebody came in");
        mailSender.send(message);
    }
}
