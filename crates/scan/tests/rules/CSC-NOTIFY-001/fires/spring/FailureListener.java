package example;

@Component
public class FailureListener {
    private final JavaMailSender mailSender;

    @EventListener
    public void failed(AuthenticationFailureBadCredentialsEvent event) {
        SimpleMailMessage message = new SimpleMailMessage();
        message.setSubject("Somebody tried");
        mailSender.send(message);
    }

    @EventListener
    public void in(AuthenticationSuccessEvent event) {
        audit.write(event.getAuthentication().getName());
    }
}
