package example;

@Service
public class SessionService {
    @Transactional(isolation = Isolation.SERIALIZABLE)
    public String open(User user) {
        List<UserSession> sessions = repository.findByUserId(user.getId());
        if (sessions.size() >= 5) {
            repository.delete(sessions.get(0));
        }
        return repository.save(new UserSession(user.getId())).getId();
    }
}
