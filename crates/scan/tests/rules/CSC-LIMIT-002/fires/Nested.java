package app;

import org.springframework.security.config.annotation.web.builders.HttpSecurity;

@EnableWebSecurity
class SecurityConfig {
    private static final int MAX = -1;

    SecurityFilterChain chain(HttpSecurity http) throws Exception {
        http.formLogin(withDefaults());
        http.sessionManagement(s -> s.maximumSessions(SessionLimit.of(MAX)));
        return http.build();
    }
}
