package app;

import org.springframework.security.config.annotation.web.builders.HttpSecurity;

@EnableWebSecurity
class SecurityConfig {
    @Value("${app.max-sessions:-1}")
    private int max;

    SecurityFilterChain chain(HttpSecurity http) throws Exception {
        http.formLogin(withDefaults());
        http.sessionManagement(s -> s.maximumSessions(max));
        return http.build();
    }
}
